"""Television markets of the United States by Nielsen's code: chief city, latitude, longitude (rounded)."""

MARKETS = """
500 Portland ME 43.7 -70.3
501 New York NY 40.7 -74.0
502 Binghamton NY 42.1 -75.9
503 Macon GA 32.8 -83.6
504 Philadelphia PA 40.0 -75.2
505 Detroit MI 42.3 -83.0
506 Boston MA 42.4 -71.1
507 Savannah GA 32.1 -81.1
508 Pittsburgh PA 40.4 -80.0
509 Fort Wayne IN 41.1 -85.1
510 Cleveland OH 41.5 -81.7
511 Washington DC 38.9 -77.0
512 Baltimore MD 39.3 -76.6
513 Flint MI 43.0 -83.7
514 Buffalo NY 42.9 -78.9
515 Cincinnati OH 39.1 -84.5
516 Erie PA 42.1 -80.1
517 Charlotte NC 35.2 -80.8
518 Greensboro NC 36.1 -79.8
519 Charleston SC 32.8 -79.9
520 Augusta GA 33.5 -82.0
521 Providence RI 41.8 -71.4
522 Columbus GA 32.5 -85.0
523 Burlington VT 44.5 -73.2
524 Atlanta GA 33.7 -84.4
525 Albany GA 31.6 -84.2
526 Utica NY 43.1 -75.2
527 Indianapolis IN 39.8 -86.2
528 Miami FL 25.8 -80.2
529 Louisville KY 38.3 -85.8
530 Tallahassee FL 30.4 -84.3
531 Tri-Cities TN 36.5 -82.4
532 Albany NY 42.7 -73.8
533 Hartford CT 41.8 -72.7
534 Orlando FL 28.5 -81.4
535 Columbus OH 40.0 -83.0
536 Youngstown OH 41.1 -80.6
537 Bangor ME 44.8 -68.8
538 Rochester NY 43.2 -77.6
539 Tampa FL 28.0 -82.5
540 Traverse City MI 44.8 -85.6
541 Lexington KY 38.0 -84.5
542 Dayton OH 39.8 -84.2
543 Springfield MA 42.1 -72.6
544 Norfolk VA 36.9 -76.3
545 Greenville NC 35.6 -77.4
546 Columbia SC 34.0 -81.0
547 Toledo OH 41.7 -83.6
548 West Palm Beach FL 26.7 -80.1
549 Watertown NY 44.0 -75.9
550 Wilmington NC 34.2 -77.9
551 Lansing MI 42.7 -84.6
552 Presque Isle ME 46.7 -68.0
553 Marquette MI 46.5 -87.4
554 Wheeling WV 40.1 -80.7
555 Syracuse NY 43.0 -76.1
556 Richmond VA 37.5 -77.4
557 Knoxville TN 36.0 -83.9
558 Lima OH 40.7 -84.1
559 Bluefield WV 37.3 -81.2
560 Raleigh NC 35.8 -78.6
561 Jacksonville FL 30.3 -81.7
563 Grand Rapids MI 43.0 -85.7
564 Charleston WV 38.3 -81.6
565 Elmira NY 42.1 -76.8
566 Harrisburg PA 40.3 -76.9
567 Greenville SC 34.9 -82.4
569 Harrisonburg VA 38.4 -78.9
570 Florence SC 34.2 -79.8
571 Fort Myers FL 26.6 -81.9
573 Roanoke VA 37.3 -79.9
574 Johnstown PA 40.3 -78.9
575 Chattanooga TN 35.0 -85.3
576 Salisbury MD 38.4 -75.6
577 Wilkes-Barre PA 41.2 -75.9
581 Terre Haute IN 39.5 -87.4
582 Lafayette IN 40.4 -86.9
583 Alpena MI 45.1 -83.4
584 Charlottesville VA 38.0 -78.5
588 South Bend IN 41.7 -86.3
592 Gainesville FL 29.7 -82.3
596 Zanesville OH 39.9 -82.0
597 Parkersburg WV 39.3 -81.6
598 Clarksburg WV 39.3 -80.3
600 Corpus Christi TX 27.8 -97.4
602 Chicago IL 41.9 -87.6
603 Joplin MO 37.1 -94.5
604 Columbia MO 38.9 -92.3
605 Topeka KS 39.0 -95.7
606 Dothan AL 31.2 -85.4
609 St. Louis MO 38.6 -90.2
610 Rockford IL 42.3 -89.1
611 Rochester MN 44.0 -92.5
612 Shreveport LA 32.5 -93.7
613 Minneapolis MN 45.0 -93.3
616 Kansas City MO 39.1 -94.6
617 Milwaukee WI 43.0 -87.9
618 Houston TX 29.8 -95.4
619 Springfield MO 37.2 -93.3
622 New Orleans LA 30.0 -90.1
623 Dallas TX 32.8 -96.8
624 Sioux City IA 42.5 -96.4
625 Waco TX 31.5 -97.1
626 Victoria TX 28.8 -97.0
627 Wichita Falls TX 33.9 -98.5
628 Monroe LA 32.5 -92.1
630 Birmingham AL 33.5 -86.8
631 Ottumwa IA 41.0 -92.4
632 Paducah KY 37.1 -88.6
633 Odessa TX 31.8 -102.4
634 Amarillo TX 35.2 -101.8
635 Austin TX 30.3 -97.7
636 Harlingen TX 26.2 -97.7
637 Cedar Rapids IA 42.0 -91.7
638 St. Joseph MO 39.8 -94.8
639 Jackson TN 35.6 -88.8
640 Memphis TN 35.1 -90.0
641 San Antonio TX 29.4 -98.5
642 Lafayette LA 30.2 -92.0
643 Lake Charles LA 30.2 -93.2
644 Alexandria LA 31.3 -92.4
647 Greenwood MS 33.5 -90.2
648 Champaign IL 40.1 -88.2
649 Evansville IN 38.0 -87.6
650 Oklahoma City OK 35.5 -97.5
651 Lubbock TX 33.6 -101.9
652 Omaha NE 41.3 -95.9
656 Panama City FL 30.2 -85.7
657 Sherman TX 33.6 -96.6
658 Green Bay WI 44.5 -88.0
659 Nashville TN 36.2 -86.8
661 San Angelo TX 31.5 -100.4
662 Abilene TX 32.4 -99.7
669 Madison WI 43.1 -89.4
670 Fort Smith AR 35.4 -94.4
671 Tulsa OK 36.2 -96.0
673 Columbus MS 33.5 -88.4
675 Peoria IL 40.7 -89.6
676 Duluth MN 46.8 -92.1
678 Wichita KS 37.7 -97.3
679 Des Moines IA 41.6 -93.6
682 Davenport IA 41.5 -90.6
686 Mobile AL 30.7 -88.0
687 Minot ND 48.2 -101.3
691 Huntsville AL 34.7 -86.6
692 Beaumont TX 30.1 -94.1
693 Little Rock AR 34.7 -92.3
698 Montgomery AL 32.4 -86.3
702 La Crosse WI 43.8 -91.2
705 Wausau WI 45.0 -89.6
709 Tyler TX 32.4 -95.3
710 Hattiesburg MS 31.3 -89.3
711 Meridian MS 32.4 -88.7
716 Baton Rouge LA 30.5 -91.2
717 Quincy IL 39.9 -91.4
718 Jackson MS 32.3 -90.2
722 Lincoln NE 40.8 -96.7
724 Fargo ND 46.9 -96.8
725 Sioux Falls SD 43.5 -96.7
734 Jonesboro AR 35.8 -90.7
736 Bowling Green KY 37.0 -86.4
737 Mankato MN 44.2 -94.0
740 North Platte NE 41.1 -100.8
743 Anchorage AK 61.2 -149.9
744 Honolulu HI 21.3 -157.9
745 Fairbanks AK 64.8 -147.7
746 Biloxi MS 30.4 -88.9
747 Juneau AK 58.3 -134.4
749 Laredo TX 27.5 -99.5
751 Denver CO 39.7 -105.0
752 Colorado Springs CO 38.8 -104.8
753 Phoenix AZ 33.4 -112.1
754 Butte MT 46.0 -112.5
755 Great Falls MT 47.5 -111.3
756 Billings MT 45.8 -108.5
757 Boise ID 43.6 -116.2
758 Idaho Falls ID 43.5 -112.0
759 Cheyenne WY 41.1 -104.8
760 Twin Falls ID 42.6 -114.5
762 Missoula MT 46.9 -114.0
764 Rapid City SD 44.1 -103.2
765 El Paso TX 31.8 -106.4
766 Helena MT 46.6 -112.0
767 Casper WY 42.8 -106.3
770 Salt Lake City UT 40.8 -111.9
771 Yuma AZ 32.7 -114.6
773 Grand Junction CO 39.1 -108.6
789 Tucson AZ 32.2 -110.9
790 Albuquerque NM 35.1 -106.7
798 Glendive MT 47.1 -104.7
800 Bakersfield CA 35.4 -119.0
801 Eugene OR 44.1 -123.1
802 Eureka CA 40.8 -124.2
803 Los Angeles CA 34.1 -118.2
804 Palm Springs CA 33.8 -116.5
807 San Francisco CA 37.8 -122.4
810 Yakima WA 46.6 -120.5
811 Reno NV 39.5 -119.8
813 Medford OR 42.3 -122.9
819 Seattle WA 47.6 -122.3
820 Portland OR 45.5 -122.7
821 Bend OR 44.1 -121.3
825 San Diego CA 32.7 -117.2
828 Monterey CA 36.6 -121.9
839 Las Vegas NV 36.2 -115.1
855 Santa Barbara CA 34.4 -119.7
862 Sacramento CA 38.6 -121.5
866 Fresno CA 36.7 -119.8
868 Chico CA 39.7 -121.8
881 Spokane WA 47.7 -117.4
"""
